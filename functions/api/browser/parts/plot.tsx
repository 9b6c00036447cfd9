interface PlotProps {
  readonly title: string;
  readonly bars: readonly { readonly label: string; readonly value: number }[];
  format(value: number): string;
}

const HEIGHT = 220;
const LEFT = 64;
const RIGHT = 16;
const BOTTOM = 28;
/** Drawn for the available width, so that its text has the size of the text around it. */
const WIDE = 1100;
const NARROW = 330;
const LABEL_WIDTH = 64;

/** Bars over time. The table beside it says the same in words. */
export function Plot({ title, bars, format }: PlotProps) {
  const width = Math.max(NARROW, Math.min(WIDE, innerWidth - 88));
  const top = Math.max(1, ...bars.map(({ value }) => value));
  const step = (width - LEFT - RIGHT) / Math.max(1, bars.length);
  const y = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - 12);
  const labelEvery = Math.ceil(LABEL_WIDTH / step);
  return (
    <svg
      class="plot"
      viewBox={`0 0 ${width} ${HEIGHT}`}
      role="img"
      aria-label={`${title}: at most ${format(top)}`}
    >
      {[0, 0.5, 1].map((share) => (
        <g key={share}>
          <line class="grid" x1={LEFT} x2={width} y1={y(top * share)} y2={y(top * share)} />
          <text x={LEFT - 8} y={y(top * share) + 4} text-anchor="end">
            {format(Math.round(top * share))}
          </text>
        </g>
      ))}
      {bars.map(({ label, value }, index) => (
        <g key={label}>
          <rect
            class="value"
            rx={Math.min(3, step * 0.15)}
            x={LEFT + index * step + step * 0.15}
            width={Math.min(48, step * 0.7)}
            y={y(value)}
            height={HEIGHT - BOTTOM - y(value)}
          >
            <title>{`${label}: ${format(value)}`}</title>
          </rect>
          {(bars.length - 1 - index) % labelEvery === 0 && (
            <text x={LEFT + (index + 0.5) * step} y={HEIGHT - 8} text-anchor="middle">
              {label.slice(5)}
            </text>
          )}
        </g>
      ))}
    </svg>
  );
}
