import { PulumiFailed } from "./pulumi.ts";

/** Runs a command; a failure is one message and an exit code, not a stack trace. */
export async function main(command: () => Promise<void> | void): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (!(error instanceof PulumiFailed)) console.error((error as Error).message);
    process.exitCode = error instanceof PulumiFailed ? error.exitCode : 1;
  }
}
