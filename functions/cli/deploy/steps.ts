/** Says of each step when it begins and how long it took: minutes are easier borne when they are counted. */
export function createSteps(say: (line: string) => void, now: () => number) {
  return async <T>(title: string, work: () => Promise<T>): Promise<T> => {
    const began = now();
    say(`── ${title} …`);
    const result = await work();
    say(`── ${title}: ${duration(now() - began)}`);
    return result;
  };
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
