const ONESTEP = 'node functions/cli/launch.mjs';

/** What a variable has that a build does not need: CodeBuild knows no empty ones. */
export const NOT_WANTED = 'none';

/**
 * What the build project does, in CodeBuild's words: the image of the GPU function, and a model from the
 * hub to the bucket. `deploy` says by variables which of them it wants, and reads the exported ones. In a
 * phase a command's status is that of the last program in it, so each ends with the one that may fail.
 */
export const BUILDSPEC = {
  version: '0.2',
  env: {
    variables: { IMAGE_DIGEST: NOT_WANTED, MODEL_DIGEST: NOT_WANTED },
    'exported-variables': ['IMAGE_DIGEST', 'MODEL_DIGEST'],
  },
  phases: {
    install: {
      'runtime-versions': { nodejs: 22 },
      commands: ['npm ci --omit=dev --no-audit --no-fund'],
    },
    pre_build: {
      commands: [
        `if [ "$BUILD_IMAGE" = yes ]; then IMAGE_DIGEST=$(${ONESTEP} push --image "$REPOSITORY_URI" --region "$AWS_REGION"); fi`,
        'export IMAGE_DIGEST',
      ],
    },
    build: {
      commands: [
        `if [ "$MODEL" != ${NOT_WANTED} ]; then ${ONESTEP} import "$MODEL" --dtype fp16 --out .onestep/package; fi`,
        `if [ "$MODEL" != ${NOT_WANTED} ]; then MODEL_DIGEST=$(${ONESTEP} push .onestep/package --bucket "$MODEL_BUCKET" --region "$AWS_REGION"); fi`,
        'export MODEL_DIGEST',
      ],
    },
  },
} as const;
