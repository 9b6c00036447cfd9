import { type Statement, statementsOf } from './iam-statements.ts';
import type { Part, Synthesised } from './synthesise.ts';

/** Who holds each role, as the docs call them. */
const HOLDERS: readonly [RegExp, string][] = [
  [/^BuildRole/, 'build project'],
  [/^EdgeRole/, 'edge (Lambda@Edge)'],
  [/^ApiRole/, 'api'],
  [/^DispatchRole/, 'dispatch'],
  [/^CompleteRole/, 'complete'],
  [/^InspectRole/, 'inspect'],
  [/^SweepRole/, 'sweep'],
  [/^SweepScheduleRole/, 'the schedule of sweep'],
  [/^WebhooksRole/, 'webhooks'],
  [/^PackageCheckFunction/, 'package check (during deployment)'],
  [/^KillSwitchFunction/, 'kill switch'],
  [/Role[0-9a-f]{8}/, 'gpu (SageMaker container)'],
];

/** The grants of every role of a deployment as one Markdown table for each holder. */
export function grantsTable(made: Synthesised): string {
  const byHolder = new Map<string, Statement[]>();
  for (const statement of statementsOf(made)) {
    if (statement.type !== 'AWS::IAM::Policy') continue;
    for (const role of statement.roles) {
      const holder = HOLDERS.find(([pattern]) => pattern.test(role))?.[1];
      if (holder === undefined) throw new Error(`Nobody is named as the holder of ${role}.`);
      byHolder.set(holder, [...(byHolder.get(holder) ?? []), statement]);
    }
  }
  return [...byHolder].map(([holder, statements]) => section(holder, statements)).join('\n');
}

function section(holder: string, statements: readonly Statement[]): string {
  const rows = statements.map((statement) => {
    const { part, effect, actions, resources, conditions } = statement;
    const only = conditions === undefined ? '' : code(render(part, conditions));
    return `| ${effect === 'Allow' ? '' : `${effect}: `}${actions.map(code).join('<br>')} | ${resources
      .map((resource) => code(render(part, parse(resource))))
      .join('<br>')} | ${only} |`;
  });
  return `## ${holder}\n\n| may | on | only if |\n|---|---|---|\n${rows.join('\n')}\n`;
}

function parse(resource: string): unknown {
  return resource.startsWith('{') ? JSON.parse(resource) : resource;
}

const code = (text: string): string => `\`${text}\``;

/** A statement's resources as the table names them. */
export function namedResources({ part, resources }: Statement): readonly string[] {
  return resources.map((resource) => render(part, parse(resource)));
}

/** An intrinsic function as a person would say it: `<data Table>/index/due`. */
function render(part: Part, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return value.map((item) => render(part, item)).join(', ');
  const entries = Object.entries(value as Record<string, unknown>);
  const [first] = entries;
  if (first === undefined) return '';
  const [name, argument] = first;
  if (name === 'Fn::Join') {
    return (argument as [string, unknown[]])[1].map((item) => render(part, item)).join('');
  }
  if (name === 'Fn::Sub') return String(argument).replace(/\$\{AWS::AccountId\}/g, '<account>');
  if (name === 'Ref') return `<${bare(String(argument))}>`;
  if (name === 'Fn::GetAtt') return `<${part} ${bare((argument as string[])[0] ?? '')}>`;
  if (name === 'Fn::GetStackOutput') return otherStack(argument as Record<string, string>);
  return entries.map(([key, item]) => `${key} ${render(part, item)}`).join('; ');
}

/** `<data Table>` for the output that CDK made of the table's ARN. */
function otherStack(output: Record<string, string>): string {
  const part = output['StackName']?.split('-').at(-1);
  const id = output['OutputName']?.replace(/^PublishOutput(FnGetAtt|Ref)/, '') ?? '';
  return `<${part} ${bare(id.replace(/(Arn|Name|QueueName)?[0-9A-F]{8}$/, ''))}>`;
}

/** A logical id without CDK's hash; pseudo parameters in words. */
function bare(id: string): string {
  if (id === 'AWS::AccountId') return 'account';
  return id.replace(/[0-9A-F]{8}$/, '');
}
