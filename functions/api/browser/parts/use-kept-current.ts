import { useEffect } from 'hono/jsx/dom';
import { useLoaded } from './use-loaded.ts';
import { useWhileVisible } from './use-while-visible.ts';

/** What `load` gives, loaded again at once after a purchase on this page, and every so often otherwise. */
export function useKeptCurrent<T>(load: () => Promise<T>, everyMs: number): T | undefined {
  const { value, reload } = useLoaded(load);
  useEffect(() => {
    document.addEventListener('balance-changed', reload);
    return () => document.removeEventListener('balance-changed', reload);
  }, []);
  useWhileVisible(reload, everyMs);
  return value;
}
