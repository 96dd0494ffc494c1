/** Removes a flag of our own from arguments for Pulumi. @returns whether the flag was there */
export function takeFlag(args: string[], flag: string): boolean {
  const index = args.indexOf(flag);
  if (index >= 0) args.splice(index, 1);
  return index >= 0;
}
