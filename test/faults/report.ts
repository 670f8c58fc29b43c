// What a scenario says: what did not hold, and figures.
export interface FaultReport {
  readonly name: string;
  /** Sentences; none is good. */
  readonly violations: readonly string[];
  readonly facts: Readonly<Record<string, number>>;
}

export interface FaultSkip {
  readonly name: string;
  readonly skipped: string;
}

/** Collects what does not hold. */
export class Findings {
  readonly violations: string[] = [];
  readonly facts: Record<string, number> = {};

  expect(holds: boolean, sentence: string): void {
    if (!holds) this.violations.push(sentence);
  }

  fact(name: string, value: number): void {
    this.facts[name] = Math.round(value * 100) / 100;
  }

  report(name: string): FaultReport {
    return { name, violations: this.violations, facts: this.facts };
  }
}

/** How hard a scenario tries. */
export interface Effort {
  /** Multiplies times and sizes; 1 is the short form. */
  readonly scale: number;
  /** Another addon, for the control. */
  readonly env?: Readonly<Record<string, string>>;
}
