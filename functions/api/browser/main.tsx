import type { Child } from 'hono/jsx';
import { render } from 'hono/jsx/dom';
import type { PageData } from '#functions/api/pages/page-schema.ts';
import { Credits } from './account/credits.tsx';
import { Keys } from './account/keys.tsx';
import { Monthly } from './account/monthly.tsx';
import { UsagePage } from './account/usage.tsx';
import { Webhooks } from './account/webhooks.tsx';
import { Accounts } from './accounts/accounts.tsx';
import { Join } from './join/join.tsx';
import { Alerts } from './parts/alerts.tsx';
import { Balance } from './parts/balance.tsx';
import { Playground } from './playground/playground.tsx';
import { addTryIts } from './reference/try-it.tsx';
import { Verify } from './verify/verify.tsx';

const PAGES: Readonly<Record<string, (data: PageData) => Child>> = {
  playground: ({ models }) => <Playground models={models} />,
  keys: () => <Keys />,
  credits: ({ operator }) => <Credits isOperator={operator === true} />,
  usage: () => <UsagePage />,
  statement: () => <Monthly />,
  webhooks: () => <Webhooks />,
  verify: () => <Verify />,
  accounts: () => <Accounts />,
  join: () => <Join />,
};

const data = JSON.parse(document.getElementById('page-data')?.textContent ?? '{}') as PageData;
const app = document.getElementById('app');
const page = PAGES[data.page];
if (data.page === 'reference') addTryIts();
if (app !== null && page !== undefined) render(page(data), app);

// On a narrow screen the navigation scrolls sideways.
document
  .querySelector('nav [aria-current]')
  ?.scrollIntoView({ block: 'nearest', inline: 'center' });

const balance = document.getElementById('balance');
if (balance !== null) render(<Balance />, balance);
const alerts = document.getElementById('alerts');
if (alerts !== null) render(<Alerts />, alerts);
