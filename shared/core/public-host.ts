/** Tells the API by which name clients call it, since its own URL is another. Only the edge sets it. */
export const PUBLIC_HOST_HEADER = 'x-onestep-host';
