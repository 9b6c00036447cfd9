import type {
  EndpointControl,
  EndpointRow,
  EndpointRows,
  StoredEndpointRow,
} from '#shared/service/ports/endpoint-control.ts';

/** Waits for its turn among calls that run at one time. */
export type Turn = (call: string) => Promise<void>;

/**
 * An endpoint with its scaling, as AWS has them: a minimum above the maximum is refused, a change is refused
 * while another is under way, and what is asked for becomes true only later.
 */
export function createFakeEndpoint(turn: Turn = async () => undefined) {
  const state = { current: 1, desired: 1, min: 0, max: 1 };
  let row: StoredEndpointRow | undefined;

  const isUpdating = () => state.current !== state.desired;
  /** Application Auto Scaling makes up for a minimum at once, unless the endpoint is being changed. */
  const scale = () => {
    if (!isUpdating() && state.desired < state.min) state.desired = state.min;
  };
  const control: EndpointControl = {
    async view() {
      await turn('view');
      return { current: state.current, desired: state.desired, isUpdating: isUpdating() };
    },
    async keepAtLeast(_endpoint, count) {
      await turn(`keep at least ${count}`);
      if (count > state.max) return 'paused';
      state.min = count;
      scale();
      return 'done';
    },
    async stopAll() {
      await turn('stop all');
      if (isUpdating()) return 'busy';
      state.desired = 0;
      return 'done';
    },
  };
  const rows: EndpointRows = {
    async get() {
      await turn('read row');
      return row;
    },
    async put(_endpoint, changed: EndpointRow, expected) {
      await turn(`write ${changed.state}`);
      if (row?.version !== expected) return false;
      row = { ...changed, version: (expected ?? 0) + 1 };
      return true;
    },
  };
  return {
    state,
    control,
    rows,
    row: () => row,
    /** What was asked for becomes true. */
    settle() {
      state.current = state.desired;
    },
    /** The kill switch: no instances, and none may come. */
    pause() {
      Object.assign(state, { min: 0, max: 0, desired: 0 });
    },
    resume() {
      Object.assign(state, { max: 1 });
    },
  };
}
