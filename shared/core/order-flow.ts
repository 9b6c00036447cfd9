/**
 * How many orders are where, for each instance of an endpoint. SageMaker's backlog counts what is in
 * flight, so each number has to be above the one before it: an instance that is merely busy must not look
 * like a backlog, and the dispatcher must hand over enough to make one.
 */
export const ORDER_FLOW = {
  /** In the GPU function at one time: one draws, one is encoded and stored, one is ready to draw. */
  inFlight: 3,
  /** In SageMaker's queue, those in flight included: more than this start another instance. */
  backlogTarget: 6,
  /** Handed over to SageMaker at most; the others keep their fair order in the table. */
  handedOver: 9,
} as const;
