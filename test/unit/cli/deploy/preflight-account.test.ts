import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPreflightDeps } from '#functions/cli/deploy/preflight-account.ts';

afterEach(() => vi.restoreAllMocks());

describe('hasEndpoints', () => {
  const { hasEndpoints } = createPreflightDeps(
    { region: 'eu-central-1', stage: 'dev' },
    async () => '',
    '.',
  );
  const answer = (stack: object) =>
    vi
      .spyOn(CloudFormationClient.prototype, 'send')
      .mockImplementation(async () => ({ Stacks: [stack] }) as never);

  it('takes a deployment after a failed first one for a first one', async () => {
    answer({ StackStatus: 'ROLLBACK_COMPLETE' });
    expect(await hasEndpoints()).toBe(false);
  });

  it('knows a stack that is up', async () => {
    const OutputKey = 'EndpointNames';
    answer({ StackStatus: 'UPDATE_COMPLETE', Outputs: [{ OutputKey, OutputValue: 'one' }] });
    expect(await hasEndpoints()).toBe(true);
  });
});
