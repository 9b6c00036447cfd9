/** What an account's own metrics say of a period. */
export interface Usage {
  readonly images: number;
  /** Hours of all instances of each endpoint, with its dearest type's price an hour. */
  readonly endpoints: readonly {
    readonly endpoint: string;
    readonly hours: number;
    readonly usdPerHour: number;
  }[];
  /** Of every function in the region: Lambda has no sum for one project. */
  readonly functionSeconds: number;
  readonly functionCalls: number;
  /** Units that the table has used. */
  readonly writeUnits: number;
  readonly readUnits: number;
}

/** One line of the bill, by list prices in us-east-1. */
export interface CostLine {
  readonly what: string;
  readonly measured: string;
  readonly usd: number;
}

const USD = {
  /** A gigabyte-second on arm64; functions are counted as of 1 GB. */
  functionSecond: 0.0000133334,
  functionCall: 0.2e-6,
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
} as const;

/** What a period has cost by what was measured in it. Storage, firewall and alarms are not in it. */
export function actualCost(usage: Usage): readonly CostLine[] {
  const { endpoints, functionSeconds, functionCalls, writeUnits, readUnits } = usage;
  return [
    ...endpoints.map(({ endpoint, hours, usdPerHour }) => ({
      what: `instances of ${endpoint}`,
      measured: `${hours.toFixed(2)} hours`,
      usd: hours * usdPerHour,
    })),
    {
      what: "the region's functions",
      measured: `${functionCalls} calls, ${Math.round(functionSeconds)} s`,
      usd: functionSeconds * USD.functionSecond + functionCalls * USD.functionCall,
    },
    {
      what: 'table',
      measured: `${Math.round(writeUnits)} written, ${Math.round(readUnits)} read units`,
      usd: writeUnits * USD.writeUnit + readUnits * USD.readUnit,
    },
  ];
}
