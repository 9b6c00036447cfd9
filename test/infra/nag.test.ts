import { App, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { expect, it } from 'vitest';
import { everyResource, synthesise } from '#test/helpers/synthesise.ts';

it('a finding that nobody has acknowledged ends the synth', () => {
  const app = new App({ analyticsReporting: false });
  const role = new Role(new Stack(app, 'Careless'), 'Role', {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
  });
  role.addToPolicy(new PolicyStatement({ actions: ['s3:*'], resources: ['*'] }));
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  expect(() => app.synth()).toThrow(/AwsSolutions-IAM5\[Action::s3:/);
});

it('every acknowledgement is on one construct, names one finding and says why', () => {
  const { deployment } = synthesise();
  expect(everyResource(synthesise()).length).toBeGreaterThan(150);
  const found: { path: string; id: string; reason: string }[] = [];
  for (const stack of Object.values(deployment)) {
    for (const construct of stack.node.findAll()) {
      for (const { type, data } of construct.node.metadata) {
        if (!/acknowledge/i.test(type)) continue;
        for (const [id, reason] of Object.entries(data as Record<string, string>)) {
          found.push({ path: construct.node.path, id, reason });
        }
      }
    }
    expect(found.map(({ path }) => path)).not.toContain(stack.node.path);
  }
  expect(found.length).toBeGreaterThan(20);
  for (const { path, id, reason } of found) {
    expect(id, path).not.toMatch(/IAM[45]$/);
    expect(reason.length, `${path} ${id}`).toBeGreaterThan(40);
  }
});
