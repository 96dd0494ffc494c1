/**
 * Removes a flag of our own from arguments for Pulumi.
 *
 * @returns whether the flag was there
 * @throws Error with the right command if npm took the flag for itself, because it was not after `--`
 */
export function takeFlag(args: string[], flag: string, environment = process.env): boolean {
  const index = args.indexOf(flag);
  if (index >= 0) args.splice(index, 1);
  else if (environment[`npm_config_${flag.slice(2).replaceAll("-", "_")}`]) {
    const command = environment.npm_lifecycle_event ?? "";
    throw new Error(`npm took ${flag} for itself. Write it after --: npm run ${command} -- ${flag}`);
  }
  return index >= 0;
}
