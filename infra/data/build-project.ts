import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IgnoreMode, Stack } from 'aws-cdk-lib';
import { CfnProject } from 'aws-cdk-lib/aws-codebuild';
import type { Repository } from 'aws-cdk-lib/aws-ecr';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import { allow } from '#infra/constructs/allow.ts';
import type { BucketReference } from '#infra/constructs/bucket-reference.ts';
import { retentionDays } from '#infra/constructs/service-function.ts';
import { stagePolicy } from '#infra/constructs/stage-policy.ts';
import { buildProjectName } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { BUILDSPEC, NOT_WANTED } from './buildspec.ts';
import { grantObjects } from '#infra/constructs/grant-objects.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** SDXL's weights as they come and as they go, and the image with its bases, twice: some 70 GB of 128. */
const COMPUTE = 'BUILD_GENERAL1_LARGE';
/** A slow hub makes the most of it; what is pushed is kept. */
const TIMEOUT_MINUTES = 240;

/** What the project takes from its data stack. */
export interface BuildProjectProps {
  readonly repository: Repository;
  readonly modelBucket: BucketReference;
  /** A folder of sources. @default this project's, as the image's build sees them */
  readonly source?: string | undefined;
}

/**
 * Builds images and packages in the account, so that nobody needs Docker, or gigabytes of weights, on a
 * laptop. It costs nothing while it does not run. Its sources are an asset of the CDK, named by their digest.
 */
export class BuildProject extends Construct {
  readonly projectName: string;

  constructor(
    scope: Construct,
    id: string,
    settings: DeploymentSettings,
    { repository, modelBucket, source }: BuildProjectProps,
  ) {
    super(scope, id);
    this.projectName = buildProjectName(settings.stage);
    const logs = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/codebuild/${this.projectName}`,
      retention: retentionDays(settings.logRetentionDays),
      removalPolicy: stagePolicy(settings.stage).removal,
    });
    const asset =
      source === undefined ? ownSources(this) : new Asset(this, 'Source', { path: source });
    const role = this.createRole(asset, logs, repository, modelBucket);
    const project = new CfnProject(this, 'Resource', {
      name: this.projectName,
      description: "The GPU function's image, and model packages from the hub to the bucket.",
      serviceRole: role.roleArn,
      artifacts: { type: 'NO_ARTIFACTS' },
      environment: {
        type: 'LINUX_CONTAINER',
        image: 'aws/codebuild/standard:7.0',
        computeType: COMPUTE,
        privilegedMode: true,
        environmentVariables: variables({
          REPOSITORY_URI: repository.repositoryUri,
          MODEL_BUCKET: modelBucket.bucketName,
          BUILD_IMAGE: NOT_WANTED,
          MODEL: NOT_WANTED,
          ONESTEP_SKIP_INSTALL: '1',
        }),
      },
      source: {
        type: 'S3',
        location: `${asset.s3BucketName}/${asset.s3ObjectKey}`,
        buildSpec: JSON.stringify(BUILDSPEC, undefined, 1),
      },
      logsConfig: { cloudWatchLogs: { status: 'ENABLED', groupName: logs.logGroupName } },
      timeoutInMinutes: TIMEOUT_MINUTES,
    });
    project.node.addDependency(role);
    acknowledge(
      project,
      "Docker's daemon runs inside the build, which is the only way to build an image there; the build runs this project's own sources, for its operator alone.",
      'AwsSolutions-CB3',
    );
    acknowledge(
      project,
      'The project has no artifacts that a key could encrypt: what it builds goes to the repository and the bucket, which encrypt it themselves.',
      'AwsSolutions-CB4',
    );
  }

  /** To read the sources, push to the one repository, and write packages to the one bucket. */
  private createRole(
    asset: Asset,
    logs: LogGroup,
    repository: Repository,
    modelBucket: BucketReference,
  ): Role {
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('codebuild.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    const bucketArn = `arn:aws:s3:::${asset.s3BucketName}`;
    allow(role, ['logs:CreateLogStream', 'logs:PutLogEvents'], [logs.logGroupArn]);
    allow(role, ['s3:GetObject', 's3:GetObjectVersion'], [`${bucketArn}/${asset.s3ObjectKey}`]);
    allow(role, ['s3:GetBucketAcl', 's3:GetBucketLocation'], [bucketArn]);
    allow(role, ['ecr:GetAuthorizationToken'], ['*']);
    allow(role, PUSH_ACTIONS, [repository.repositoryArn]);
    grantObjects(role, modelBucket, PACKAGE_ACTIONS, ['models/']);
    // Parts of an upload that was interrupted are looked for, and HeadObject says 404 only to who may list.
    allow(role, ['s3:ListBucket', 's3:ListBucketMultipartUploads'], [modelBucket.bucketArn]);
    acknowledge(
      role,
      'ecr:GetAuthorizationToken exists only on "*"; what the token lets one push to is granted on the one repository.',
      'AwsSolutions-IAM5[Resource::*]',
    );
    return role;
  }
}

const PUSH_ACTIONS = [
  'ecr:BatchCheckLayerAvailability',
  'ecr:BatchGetImage',
  'ecr:CompleteLayerUpload',
  'ecr:GetDownloadUrlForLayer',
  'ecr:InitiateLayerUpload',
  'ecr:PutImage',
  'ecr:UploadLayerPart',
];

const PACKAGE_ACTIONS = [
  's3:GetObject',
  's3:PutObject',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
];

/** The sources that the image's build sees are all that the project's commands need, too. */
function ownSources(scope: Construct): Asset {
  const seen = readFileSync(join(ROOT, 'functions/gpu/Dockerfile.dockerignore'), 'utf8');
  return new Asset(scope, 'Source', {
    path: ROOT,
    exclude: [...seen.split('\n').filter(Boolean), 'models'],
    ignoreMode: IgnoreMode.DOCKER,
  });
}

function variables(values: Readonly<Record<string, string>>) {
  return Object.entries(values).map(([name, value]) => ({ name, value, type: 'PLAINTEXT' }));
}
