import { Picker } from '#functions/api/browser/live/picker.tsx';
import { Choice } from '#functions/api/browser/parts/choice.tsx';
import type { PageModel } from '#functions/api/pages/page-schema.ts';
import { ModelChoice } from './model-choice.tsx';
import type { Order } from './order.ts';
import { SampleChoice } from './sample-choice.tsx';
import { SeedField } from './seed-field.tsx';

interface ComposerProps {
  readonly models: readonly PageModel[];
  readonly model: PageModel | undefined;
  readonly order: Order;
  /** The seed of the picture on show, if there is one. */
  readonly lastSeed: number | undefined;
  change(change: Partial<Order>): void;
}

/** Everything besides the prompt that may be chosen about the picture. */
export function Composer({ models, model, order, lastSeed, change }: ComposerProps) {
  return (
    <div class="composer details">
      <SampleChoice model={model} chosen={order.prompt} choose={change} />
      <Picker model={model} prompt={order.prompt} choose={(prompt) => change({ prompt })} />
      <ModelChoice models={models} chosen={model} choose={(name) => change({ model: name })} />
      {model !== undefined && <Shape model={model} order={order} change={change} />}
      <div class="row">
        <Choice
          name="count"
          legend="Pictures"
          value={String(order.count)}
          options={Array.from({ length: Math.min(4, model?.maxOutputs ?? 1) }, (_, i) => ({
            value: String(i + 1),
            label: i + 1,
          }))}
          choose={(count) => change({ count: Number(count) })}
        />
        <Choice
          name="format"
          legend="Format"
          value={order.format}
          options={(model?.formats ?? []).map((format) => ({ value: format, label: format }))}
          choose={(format) => change({ format })}
        />
      </div>
      <SeedField seed={order.seed} lastSeed={lastSeed} change={(seed) => change({ seed })} />
    </div>
  );
}

interface ShapeProps {
  readonly model: PageModel;
  readonly order: Order;
  change(change: Partial<Order>): void;
}

/** The aspect ratios, each drawn as what it is. */
function Shape({ model, order, change }: ShapeProps) {
  const chosen = model.aspects.find(({ ratio }) => ratio === order.aspectRatio);
  return (
    <Choice
      name="aspect"
      legend={
        <>
          Shape{' '}
          {chosen !== undefined && (
            <span class="small">
              {chosen.width} × {chosen.height}
            </span>
          )}
        </>
      }
      value={order.aspectRatio}
      options={model.aspects.map(({ ratio, width, height }) => ({
        value: ratio,
        name: `${ratio}, ${width} by ${height} pixels`,
        label: (
          <>
            <i class="shape" style={{ aspectRatio: `${width} / ${height}` }} />
            {ratio}
          </>
        ),
      }))}
      choose={(aspectRatio) => change({ aspectRatio })}
    />
  );
}
