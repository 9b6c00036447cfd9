import { AppError } from '#shared/core/errors.ts';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
type Day = (typeof DAYS)[number];

/** Hours of the week in which an endpoint is kept warm. */
export interface WarmSchedule {
  readonly days: readonly Day[];
  /** Minutes since midnight: the first that is warm, and the first that is not any more. */
  readonly from: number;
  readonly to: number;
  /** An IANA time zone. */
  readonly timeZone: string;
}

const FORM = /^(\S+) (\d{2}):(\d{2})-(\d{2}):(\d{2}) (\S+)$/;

/**
 * Reads `Mon-Fri 08:00-18:00 Europe/Berlin`; days are ranges or single ones, joined by commas.
 *
 * @throws AppError `invalid-request` that says what is wrong
 */
export function parseWarmSchedule(text: string): WarmSchedule {
  const match = FORM.exec(text.trim());
  if (match === null) {
    throw wrong(text, 'write days, hours and time zone, as in "Mon-Fri 08:00-18:00 Europe/Berlin"');
  }
  const [, days = '', fromHour, fromMinute, toHour, toMinute, timeZone = ''] = match;
  const from = Number(fromHour) * 60 + Number(fromMinute);
  const to = Number(toHour) * 60 + Number(toMinute);
  const isTime = Number(fromMinute) < 60 && Number(toMinute) < 60 && to < 24 * 60;
  if (!isTime || from >= to) throw wrong(text, 'the second time of a day is later than the first');
  try {
    new Intl.DateTimeFormat('en-US', { timeZone });
  } catch {
    throw wrong(text, `there is no time zone ${timeZone}`);
  }
  return { days: days.split(',').flatMap((part) => daysOf(part, text)), from, to, timeZone };
}

function daysOf(part: string, text: string): readonly Day[] {
  const [first, last = first, ...more] = part.split('-').map((day) => DAYS.indexOf(day as Day));
  if (first === undefined || last === undefined || more.length > 0 || first < 0 || last < first) {
    throw wrong(text, `days are ${DAYS.join(', ')}, or a range of them such as Mon-Fri`);
  }
  return DAYS.slice(first, last + 1);
}

function wrong(text: string, what: string): AppError {
  return new AppError('invalid-request', `"${text}" is no schedule: ${what}.`);
}

/** Whether a time is in the schedule. */
export function isWarm(schedule: WarmSchedule, at: number): boolean {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: schedule.timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  const isDay = schedule.days.some((day) => day === parts.get('weekday'));
  return isDay && minute >= schedule.from && minute < schedule.to;
}

/** The schedule's two edges as Application Auto Scaling writes them. */
export function cronEdges({ days, from, to }: WarmSchedule): { begin: string; end: string } {
  const cron = (minutes: number) =>
    `cron(${minutes % 60} ${Math.floor(minutes / 60)} ? * ${days.map((day) => day.toUpperCase()).join(',')} *)`;
  return { begin: cron(from), end: cron(to) };
}
