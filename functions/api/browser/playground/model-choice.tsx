import { usd } from '#functions/api/browser/format.ts';
import { Choice } from '#functions/api/browser/parts/choice.tsx';
import type { PageModel } from '#functions/api/pages/page-schema.ts';

interface ModelChoiceProps {
  readonly models: readonly PageModel[];
  readonly chosen: PageModel | undefined;
  choose(name: string): void;
}

/** The models side by side, each with its price and its own size; a single one is only described. */
export function ModelChoice({ models, chosen, choose }: ModelChoiceProps) {
  return (
    <div class="field">
      {models.length > 1 && (
        <Choice
          name="model"
          legend="Model"
          look="cards"
          value={chosen?.name ?? ''}
          options={models.map((model) => ({
            value: model.name,
            label: (
              <>
                <strong>{model.name}</strong>
                <span class="small">{termsOf(model)}</span>
              </>
            ),
          }))}
          choose={choose}
        />
      )}
      {chosen !== undefined && <AboutModel model={chosen} alone={models.length === 1} />}
    </div>
  );
}

/** `$0.004 · 256 × 256`: of the model's own size. */
function termsOf({ aspects, prices }: PageModel): string {
  const own = aspects[0];
  const price = prices.find(({ maxPixels }) => (own?.width ?? 0) * (own?.height ?? 0) <= maxPixels);
  return [
    ...(price === undefined ? [] : [usd(price.perImage)]),
    ...(own === undefined ? [] : [`${own.width} × ${own.height}`]),
  ].join(' · ');
}

function AboutModel({ model, alone }: { readonly model: PageModel; readonly alone: boolean }) {
  const { name, description, licence } = model;
  return (
    <p class="small about">
      {alone && <strong>{name}. </strong>}
      {description.replace(/([^.])$/, '$1.')}
      {licence !== null && (
        <>
          {' Licence: '}
          {licence.url === undefined ? licence.name : <a href={licence.url}>{licence.name}</a>}.
        </>
      )}
    </p>
  );
}
