import type { Command, CommandContext } from '#functions/cli/command.ts';
import { deploymentSettings, STAGE_OPTION } from '#functions/cli/deploy/project.ts';
import { AppError } from '#shared/core/errors.ts';
import { type Cost, ceilingPerMonth, estimateCost } from '#shared/deployment/cost.ts';
import { INSTANCE_PRICES } from '#shared/deployment/instance-prices.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';

/** `onestep cost`: what a number of images costs, and what a month can cost at most. */
export const cost: Command = {
  summary: 'estimate what images cost on AWS, and the ceiling of a month',
  usage: '[options]',
  options: {
    images: { type: 'string', value: 'N', help: 'images to make (1000)' },
    instance: { type: 'string', value: 'TYPE', help: 'instance type (all that have a price)' },
    wakes: { type: 'string', value: 'N', help: 'times that an instance starts for them (1)' },
    seconds: { type: 'string', value: 'S', help: 'measured seconds for an image (an estimate)' },
    ...STAGE_OPTION,
  },
  examples: [
    'onestep cost --images 1000 --instance ml.g6.xlarge',
    'onestep cost --images 100000 --wakes 30 --json',
  ],
  async run(context) {
    const settings = deploymentSettings(context);
    const costs = estimates(context, settings);
    const ceiling = deploymentCeiling(settings);
    context.stdout.write(
      context.values['json'] === true
        ? `${JSON.stringify({ costs, deploymentCeilingPerMonthUsd: ceiling }, null, 2)}\n`
        : costReport(costs, settings),
    );
  },
};

function estimates(context: CommandContext, settings: DeploymentSettings): readonly Cost[] {
  const { values } = context;
  const instance = values['instance'];
  const types = typeof instance === 'string' ? [instance] : Object.keys(INSTANCE_PRICES);
  const seconds =
    values['seconds'] === undefined ? undefined : amount(values['seconds'], 'seconds');
  return types.map((type) =>
    estimateCost({
      images: amount(values['images'] ?? '1000', 'images'),
      instance: type,
      wakes: amount(values['wakes'] ?? '1', 'wakes'),
      maxInstances: Math.max(...settings.models.map((model) => model.maxInstances)),
      models: settings.models.length,
      ...(seconds === undefined ? {} : { secondsPerImage: seconds }),
    }),
  );
}

function amount(value: string | boolean | undefined, name: string): number {
  const number = Number(value);
  if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(number) && number >= 0) {
    return number;
  }
  throw new AppError('invalid-request', `--${name} must be a number, not "${String(value)}".`);
}

/** All endpoints of the context at their most, all month. */
function deploymentCeiling(settings: DeploymentSettings): number {
  return settings.models.reduce(
    (sum, { instance, maxInstances }) => sum + ceilingPerMonth(instance, maxInstances),
    0,
  );
}

/** The report as a Markdown table, which docs/costs.md holds as it is. */
export function costReport(costs: readonly Cost[], settings: DeploymentSettings): string {
  const head = [
    'instance',
    'GPU',
    '$/hour',
    's/image',
    'GPU busy',
    'start and idle',
    'the rest',
    'total',
    'per image',
    'ceiling/month',
  ];
  const rows = costs.map((cost) => [
    cost.instance,
    INSTANCE_PRICES[cost.instance]?.gpu ?? '',
    dollars(cost.usdPerHour, 3),
    cost.secondsPerImage.toFixed(2),
    dollars(cost.busyUsd),
    dollars(cost.wakingUsd),
    dollars(cost.requestsUsd + cost.tableUsd + cost.carryingUsd + cost.storageUsd),
    dollars(cost.totalUsd),
    dollars(cost.perImageUsd, 5),
    dollars(cost.ceilingPerMonthUsd, 0),
  ]);
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
  const [first] = costs;
  const models = settings.models
    .map(({ name, instance, maxInstances }) => `${name}: ${maxInstances} × ${instance}`)
    .join('; ');
  return [
    `${first?.images ?? 0} images, list prices in us-east-1:`,
    '',
    ...lines,
    '',
    `At rest: about ${dollars(first?.atRestPerMonthUsd ?? 0)} a month. Ceiling of this deployment's GPUs (${models}): ${dollars(deploymentCeiling(settings))} a month.`,
    '',
  ].join('\n');
}

function dollars(amount: number, digits = 2): string {
  return `$${amount.toFixed(digits)}`;
}
