import { useEffect, useRef } from 'hono/jsx/dom';

/** Calls every so often, not while the page is hidden, and when it is seen again. */
export function useWhileVisible(act: () => void, everyMs: number): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === 'visible') latest.current?.();
    };
    const timer = setInterval(look, everyMs);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [everyMs]);
}
