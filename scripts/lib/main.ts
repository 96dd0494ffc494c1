/** Runs a command. A failure prints one message without a stack trace, and sets the exit code. */
export async function main(command: () => Promise<void> | void): Promise<void> {
  try {
    await command();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
