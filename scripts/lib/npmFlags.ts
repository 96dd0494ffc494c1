/**
 * Refuses flags that npm kept for itself, because they were not after `--`. npm passes them on as variables, such as
 * `npm_config_replace_cluster`. A user's .npmrc sets the same variables, so a name must not be an option of npm that
 * works elsewhere, such as `json` or `target`.
 *
 * @param names - flags without their dashes
 * @throws Error with the right command. It contains no values, because one may be a password.
 */
export function refuseSwallowedFlags(...names: string[]): void {
  const args = process.argv.slice(2);
  const kept = names.filter((name) => isSwallowed(name) && !args.some((arg) => arg.split("=")[0] === `--${name}`));
  if (kept.length === 0) return;
  const flags = kept.map((name) => `--${name}`).join(" ");
  const command = `npm run ${process.env.npm_lifecycle_event ?? "COMMAND"} --${args.length > 0 ? " …" : ""} ${flags}`;
  throw new Error(`npm kept ${flags} for itself. Run: ${command}`);
}

/** npm completes the beginning of an option: `--replace` sets `npm_config_replace_registry_host` to `true`. */
function isSwallowed(name: string): boolean {
  const key = `npm_config_${name.replaceAll("-", "_")}`;
  const value = process.env[key] ?? "";
  if (value !== "") return value !== "false";
  return Object.entries(process.env).some(([other, text]) => other.startsWith(`${key}_`) && text === "true");
}
