interface PlotProps {
  readonly title: string;
  readonly bars: readonly { readonly label: string; readonly value: number }[];
  format(value: number): string;
}

const WIDTH = 720;
const HEIGHT = 200;
const LEFT = 64;
const BOTTOM = 28;

/** Bars over time. The table beside it says the same in words. */
export function Plot({ title, bars, format }: PlotProps) {
  const top = Math.max(1, ...bars.map(({ value }) => value));
  const step = (WIDTH - LEFT) / Math.max(1, bars.length);
  const y = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - 12);
  const labelEvery = Math.ceil(bars.length / 8);
  return (
    <svg class="plot" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={title}>
      {[0, 0.5, 1].map((share) => (
        <g key={share}>
          <line class="grid" x1={LEFT} x2={WIDTH} y1={y(top * share)} y2={y(top * share)} />
          <text x={LEFT - 6} y={y(top * share) + 4} text-anchor="end">
            {format(Math.round(top * share))}
          </text>
        </g>
      ))}
      {bars.map(({ label, value }, index) => (
        <g key={label}>
          <rect
            class="value"
            x={LEFT + index * step + step * 0.15}
            width={Math.min(48, step * 0.7)}
            y={y(value)}
            height={HEIGHT - BOTTOM - y(value)}
          >
            <title>{`${label}: ${format(value)}`}</title>
          </rect>
          {index % labelEvery === 0 && (
            <text x={LEFT + (index + 0.5) * step} y={HEIGHT - 10} text-anchor="middle">
              {label.slice(5)}
            </text>
          )}
        </g>
      ))}
    </svg>
  );
}
