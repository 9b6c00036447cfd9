import { describe, expect, it } from 'vitest';
import { BUILDSPEC } from '#infra/data/buildspec.ts';
import { EUROPEAN_PROD } from '#test/helpers/deployments.ts';
import { statementsOf } from '#test/helpers/iam-statements.ts';
import { resourcesOf, synthesise } from '#test/helpers/synthesise.ts';

const projectOf = (context = {}) => {
  const found = resourcesOf(synthesise(context).templates.data, 'AWS::CodeBuild::Project');
  expect(Object.keys(found)).toHaveLength(1);
  return Object.values(found)[0]?.Properties;
};

describe('the build project', () => {
  it('runs Docker on x86-64, with 16 GB of memory, 128 GB of disk and hours of time', () => {
    expect(projectOf()).toMatchObject({
      Name: 'onestep-dev-build',
      Environment: {
        Type: 'LINUX_CONTAINER',
        ComputeType: 'BUILD_GENERAL1_LARGE',
        PrivilegedMode: true,
      },
      Artifacts: { Type: 'NO_ARTIFACTS' },
      TimeoutInMinutes: 240,
    });
    expect(projectOf(EUROPEAN_PROD).Name).toBe('onestep-prod-build');
  });

  it('has its steps with it, and every variable that they name', () => {
    const { Source: source, Environment: environment } = projectOf();
    expect(JSON.parse(source.BuildSpec)).toEqual(BUILDSPEC);
    const given = environment.EnvironmentVariables.map(({ Name }: { Name: string }) => Name);
    const made = BUILDSPEC.env['exported-variables'];
    const named = JSON.stringify(BUILDSPEC.phases).matchAll(/\$([A-Z_]+)/g);
    const needed = new Set([...named].map(([, name]) => name));
    // CodeBuild's own.
    needed.delete('AWS_REGION');
    for (const name of needed) expect([...given, ...made]).toContain(name);
    for (const name of made) expect(BUILDSPEC.env.variables).toHaveProperty(name);
  });

  it('may push to the one repository and write packages to the one bucket, no more', () => {
    const grants = statementsOf(synthesise()).filter(({ roles }) =>
      roles.some((role) => role.startsWith('BuildRole')),
    );
    const on = (action: string) =>
      grants
        .filter(({ actions }) => actions.includes(action))
        .flatMap(({ resources }) => resources);
    expect(on('ecr:PutImage')).toEqual([expect.stringMatching(/GpuImages/)]);
    expect(on('s3:PutObject')).toEqual([expect.stringMatching(/-models-.*\/models\/\*/)]);
    const actions = new Set(grants.flatMap((grant) => grant.actions));
    for (const action of actions) expect(action).not.toMatch(/Delete|dynamodb|sagemaker|secrets/);
  });
});
