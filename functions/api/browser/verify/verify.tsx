import { useRef, useState } from 'hono/jsx/dom';
import { call } from '#functions/api/browser/api.ts';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { State } from '#functions/api/browser/parts/state.tsx';
import type { VerifyAnswer } from '#functions/api/verify/verify-schema.ts';

type Tone = 'good' | 'bad' | 'neutral';

/** What each verdict means to someone who has only the picture. */
const MEANINGS: Readonly<
  Record<VerifyAnswer['verdict'], { tone: Tone; title: string; text: string }>
> = {
  signed: {
    tone: 'good',
    title: 'Signed and whole',
    text: 'No byte has changed since the picture was signed.',
  },
  'signed-changed': {
    tone: 'bad',
    title: 'Signed, and changed since',
    text: 'The signature no longer fits: someone has edited the file after it was made.',
  },
  receipt: {
    tone: 'good',
    title: 'Ours by its receipt',
    text: 'The signature was taken off. The receipt inside is ours and fits these pixels.',
  },
  watermark: {
    tone: 'neutral',
    title: 'A watermark only',
    text: 'It was made by an Onestep server. What was written in the file has been lost since.',
  },
  nothing: {
    tone: 'neutral',
    title: 'Nothing found',
    text: 'There is no mark of ours. That does not show that a person made it.',
  },
};

async function verify(file: File): Promise<VerifyAnswer> {
  return call('POST', '/v1/images/verify', file, await digestHeader(file));
}

/** What a deployment on AWS needs of a large file. Browsers digest nothing on a page without TLS. */
async function digestHeader(file: File): Promise<Record<string, string>> {
  if (crypto.subtle === undefined) return {};
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { 'x-amz-content-sha256': hex };
}

/** Drop a picture, and read where it comes from. */
export function Verify() {
  const [file, setFile] = useState<File | undefined>(undefined);
  const [answer, setAnswer] = useState<VerifyAnswer | undefined>(undefined);
  const [problem, setProblem] = useState<unknown>(undefined);
  const latest = useRef<File | undefined>(undefined);
  const look = (chosen: File | undefined) => {
    if (chosen === undefined) return;
    latest.current = chosen;
    /** The answer on a picture that another has taken the place of is nobody's. */
    const ifLatest =
      <T,>(set: (value: T) => void) =>
      (value: T): void => {
        if (latest.current === chosen) set(value);
      };
    setFile(chosen);
    setAnswer(undefined);
    setProblem(undefined);
    verify(chosen).then(ifLatest(setAnswer), ifLatest(setProblem));
  };
  return (
    <div>
      <label
        class="card drop"
        onDragOver={(event: DragEvent) => event.preventDefault()}
        onDrop={(event: DragEvent) => {
          event.preventDefault();
          look(event.dataTransfer?.files[0]);
        }}
      >
        <span>Drop a picture here, or choose one: PNG, JPEG or WebP.</span>
        <input
          type="file"
          accept="image/png,image/jpeg,image/webp"
          onChange={(event: Event) => look((event.target as HTMLInputElement).files?.[0])}
        />
      </label>
      <div aria-live="polite">
        {problem !== undefined && <Notice problem={problem} />}
        {problem === undefined && file !== undefined && answer === undefined && (
          <p>Looking at {file.name} …</p>
        )}
        {answer !== undefined && <Answer answer={answer} name={file?.name ?? ''} />}
      </div>
    </div>
  );
}

function Answer({ answer, name }: { readonly answer: VerifyAnswer; readonly name: string }) {
  const { tone, title, text } = MEANINGS[answer.verdict];
  const { manifest, watermark, model, seed } = answer;
  return (
    <section class="card">
      <h2>
        <State tone={tone}>{title}</State>
      </h2>
      <p>{text}</p>
      <dl>
        <Fact term="file" text={name} />
        {manifest !== null && (
          <Fact
            term="signed by"
            text={`${manifest.signer ?? 'unknown'}${manifest.trusted ? '' : ', an authority on no trust list'}`}
          />
        )}
        {manifest?.problems.map((code) => (
          <Fact term="problem" text={code} />
        ))}
        {model !== null && <Fact term="model" text={`${model.name}, seed ${seed}`} />}
        {watermark !== null && (
          <Fact term="watermark" text={watermark.ours ? 'ours' : 'of another deployment'} />
        )}
      </dl>
    </section>
  );
}

function Fact({ term, text }: { readonly term: string; readonly text: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{text}</dd>
    </div>
  );
}
