/** Prints whether a budget of the design was met. */
export function printBudget(budget: string, met: boolean): void {
  console.log(`    budget ${budget}: ${met ? "met" : "MISSED"}`);
}
