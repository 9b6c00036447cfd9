/** The part of a custom resource's event that its answer repeats. */
export interface CustomResourceEvent {
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string | undefined;
}

/**
 * Reports a custom resource's outcome to CloudFormation.
 * @param problem why it failed, shown to the person who deploys; undefined = success
 */
export async function answerCloudFormation(
  send: typeof fetch,
  event: CustomResourceEvent,
  problem: string | undefined,
): Promise<void> {
  const response = await send(event.ResponseURL, {
    method: 'PUT',
    // The URL was signed for an empty content type.
    headers: { 'content-type': '' },
    body: JSON.stringify({
      Status: problem === undefined ? 'SUCCESS' : 'FAILED',
      Reason: problem,
      PhysicalResourceId: event.PhysicalResourceId ?? event.LogicalResourceId,
      StackId: event.StackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
    }),
  });
  if (!response.ok) throw new Error(`CloudFormation answered ${response.status}.`);
}
