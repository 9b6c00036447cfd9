import { useEffect, useRef } from 'hono/jsx/dom';

/** Side length in pixels of a square: drawn small, shown large and soft. */
const SIDE = 28;
const FRAME_MS = 110;

/** What a picture is before its one step: noise. It moves while something is being made. */
export function Noise({ ratio, moving }: { readonly ratio: number; readonly moving: boolean }) {
  const width = Math.round(SIDE * Math.sqrt(ratio));
  const height = Math.round(SIDE / Math.sqrt(ratio));
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    draw(canvas.current);
    if (!moving || matchMedia('(prefers-reduced-motion: reduce)').matches) return undefined;
    const timer = setInterval(() => draw(canvas.current), FRAME_MS);
    return () => clearInterval(timer);
  }, [moving, width, height]);
  return <canvas ref={canvas} class="noise" width={width} height={height} />;
}

function draw(canvas: HTMLCanvasElement | null): void {
  const context = canvas?.getContext('2d');
  if (!context) return;
  const image = context.createImageData(context.canvas.width, context.canvas.height);
  for (let i = 0; i < image.data.length; i += 4) {
    // The mean of two draws: fewer extremes, so that it looks like noise and not like confetti.
    for (let c = 0; c < 3; c++) image.data[i + c] = (Math.random() + Math.random()) * 127.5;
    image.data[i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
