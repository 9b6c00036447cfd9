import { type CommandContext, defineCommand, flag, option } from '#functions/cli/command.ts';
import { partOutputs } from '#functions/cli/deploy/aws.ts';
import { dayReport, simulateDays } from '#functions/cli/deploy/day-report.ts';
import { withAws } from '#functions/cli/deploy/explain-aws-error.ts';
import { deploymentSettings, STAGE_OPTION } from '#functions/cli/deploy/project.ts';
import { readUsage } from '#functions/cli/deploy/read-usage.ts';
import { choice, number, whole } from '#functions/cli/option-types.ts';
import { hasInstances } from '#shared/adapters/aws/environment.ts';
import { defined } from '#shared/core/defined.ts';
import { actualCost } from '#shared/deployment/actual-cost.ts';
import { type Cost, ceilingPerMonth, estimateCost } from '#shared/deployment/cost.ts';
import { INSTANCE_PRICES } from '#shared/deployment/instance-prices.ts';
import { OUTPUTS } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';

const OPTIONS = {
  images: option('N', 'images to make (1000)', whole(0).default(1000)),
  instance: option(
    'TYPE',
    'instance type (all that have a price)',
    choice(Object.keys(INSTANCE_PRICES) as [string, ...string[]]),
  ),
  wakes: option('N', 'how often an instance starts for them (1)', whole(0).default(1)),
  seconds: option('S', 'measured seconds for an image (an estimate)', number(0)),
  day: flag('simulate days of 10 to 10,000 images on one instance: cost and waiting'),
  actual: flag("what the last days have cost, by the account's own metrics"),
  days: option('N', 'days for --actual (30)', whole(1, 90).default(30)),
  ...STAGE_OPTION,
};

/** Where the settings name none. */
const DEFAULT_INSTANCE = 'ml.g6.xlarge';

/** `onestep cost`: what a number of images costs, and what a month can cost at most. */
export const cost = defineCommand({
  summary: 'estimate what images cost on AWS, and the ceiling of a month',
  usage: '[options]',
  options: OPTIONS,
  examples: [
    'onestep cost --images 1000 --instance ml.g6.xlarge',
    'onestep cost --images 100000 --wakes 30 --json',
    'onestep cost --day --instance ml.g6e.xlarge',
    'onestep cost --actual --days 7',
  ],
  async run(context) {
    const settings = deploymentSettings(context);
    const { day, instance, seconds } = context.options;
    if (day) {
      const type = instance ?? settings.models[0]?.instance[0] ?? DEFAULT_INSTANCE;
      const days = simulateDays(type, seconds);
      context.print({ instance: type, days }, dayReport(type, days));
      return;
    }
    if (context.options.actual) {
      await withAws(() => reportActual(context, settings));
      return;
    }
    const costs = estimates(context, settings);
    const document = { costs, deploymentCeilingPerMonthUsd: deploymentCeiling(settings) };
    context.print(document, costReport(costs, settings));
  },
});

/** What was used, at list prices: an account's own bill has its discounts, taxes and other services. */
async function reportActual(
  { options: { days }, print }: CommandContext<typeof OPTIONS>,
  settings: DeploymentSettings,
): Promise<void> {
  const { [OUTPUTS.table]: table = '' } = await partOutputs(settings, 'data');
  const { CloudWatchClient } = await import('@aws-sdk/client-cloudwatch');
  const client = new CloudWatchClient({ region: settings.region });
  const to = new Date();
  const from = new Date(to.getTime() - days * 24 * 3_600_000);
  const usage = await readUsage(client, settings, table, { from, to });
  const lines = actualCost(usage);
  const total = lines.reduce((sum, { usd }) => sum + usd, 0);
  const perImage = usage.images === 0 ? 'no image' : `${dollars(total / usage.images, 5)} an image`;
  const rows = lines.map(
    ({ what, measured, usd }) => `| ${what} | ${measured} | ${dollars(usd)} |`,
  );
  const text = [
    `The last ${days} days: ${usage.images} images, ${dollars(total)}, ${perImage}.`,
    '',
    '| | measured | at list price |',
    '| --- | --- | --- |',
    ...rows,
    '',
    'Storage, firewall, alarms and requests to CloudFront are not in it: "At rest" of onestep cost.',
    '',
  ].join('\n');
  print({ days, usage, lines, totalUsd: total }, text);
}

function estimates(
  { options: { images, instance, wakes, seconds } }: CommandContext<typeof OPTIONS>,
  settings: DeploymentSettings,
): readonly Cost[] {
  const types = instance === undefined ? Object.keys(INSTANCE_PRICES) : [instance];
  return types.map((type) =>
    estimateCost({
      images,
      instance: type,
      wakes,
      maxInstances: Math.max(...settings.models.map((model) => model.maxInstances)),
      models: settings.models.filter(hasInstances).length,
      firewall: settings.firewall,
      dashboard: settings.dashboard,
      ...defined({ secondsPerImage: seconds }),
    }),
  );
}

/** All endpoints of the context at their most, all month. */
function deploymentCeiling(settings: DeploymentSettings): number {
  return settings.models
    .filter(hasInstances)
    .reduce((sum, { instance, maxInstances }) => sum + ceilingPerMonth(instance, maxInstances), 0);
}

/** The report as a Markdown table, which docs/costs.md includes verbatim. */
function costReport(costs: readonly Cost[], settings: DeploymentSettings): string {
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
    .map(
      ({ name, instance, maxInstances }) => `${name}: ${maxInstances} × ${instance.join(' or ')}`,
    )
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
