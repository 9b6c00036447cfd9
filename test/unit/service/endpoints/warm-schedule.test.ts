import { describe, expect, it } from 'vitest';
import {
  cronEdges,
  isWarm,
  parseWarmSchedule,
} from '#shared/service/domain/endpoints/warm-schedule.ts';

describe('a schedule of warm hours', () => {
  it('is read by days, hours and time zone', () => {
    expect(parseWarmSchedule('Mon,Wed-Fri 08:30-18:00 Europe/Berlin')).toEqual({
      days: ['Mon', 'Wed', 'Thu', 'Fri'],
      from: 510,
      to: 1080,
      timeZone: 'Europe/Berlin',
    });
  });

  it.each([
    ['always', /write days, hours and time zone/],
    ['Mon-Fri 18:00-08:00 UTC', /later than the first/],
    ['Mon-Fri 08:00-24:00 UTC', /later than the first/],
    ['Mon-Fri 08:70-09:00 UTC', /later than the first/],
    ['Fri-Mon 08:00-09:00 UTC', /days are/],
    ['Mon- 08:00-09:00 UTC', /days are/],
    ['Monday 08:00-09:00 UTC', /days are/],
    ['Mon 08:00-09:00 Europe/Atlantis', /no time zone/],
  ])('refuses %s', (text, problem) => {
    expect(() => parseWarmSchedule(text)).toThrow(problem);
  });

  it('holds in its own time zone, through the change to winter time', () => {
    const schedule = parseWarmSchedule('Mon-Fri 08:00-18:00 Europe/Berlin');
    // Berlin is two hours ahead on 23 October 2026, a Friday, and one hour from the 25th on.
    expect(isWarm(schedule, Date.UTC(2026, 9, 23, 5, 59))).toBe(false);
    expect(isWarm(schedule, Date.UTC(2026, 9, 23, 6, 0))).toBe(true);
    expect(isWarm(schedule, Date.UTC(2026, 9, 23, 16, 0))).toBe(false);
    expect(isWarm(schedule, Date.UTC(2026, 9, 24, 10, 0))).toBe(false);
    expect(isWarm(schedule, Date.UTC(2026, 9, 26, 6, 30))).toBe(false);
    expect(isWarm(schedule, Date.UTC(2026, 9, 26, 7, 0))).toBe(true);
  });

  it('has edges that Application Auto Scaling can read', () => {
    expect(cronEdges(parseWarmSchedule('Mon-Wed 08:05-18:00 UTC'))).toEqual({
      begin: 'cron(5 8 ? * MON,TUE,WED *)',
      end: 'cron(0 18 ? * MON,TUE,WED *)',
    });
  });
});
