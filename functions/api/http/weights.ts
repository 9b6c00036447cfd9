/**
 * What a header such as `Accept` or `Accept-Encoding` names, in its order, each with its weight: 1 unless
 * `q` says otherwise, and 0 for what the client does not take (RFC 9110 §12.4.2).
 */
export function weightsOf(header: string): ReadonlyMap<string, number> {
  return new Map(
    header.split(',').map((part) => {
      const [name = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
      const weight = parameters.find((word) => word.startsWith('q='))?.slice(2);
      return [name, Number(weight ?? 1)];
    }),
  );
}
