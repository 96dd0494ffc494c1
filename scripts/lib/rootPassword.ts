import { text } from "node:stream/consumers";

/**
 * MySQL's root password: the flag's, MYSQL_ROOT_PASSWORD, or the first line of standard input if that is no terminal.
 *
 * @returns undefined if there is none
 */
export async function readRootPassword(flag: string | undefined): Promise<string | undefined> {
  const { MYSQL_ROOT_PASSWORD } = process.env;
  // Nothing that is started from here needs it in its environment.
  delete process.env.MYSQL_ROOT_PASSWORD;
  if (flag !== undefined) {
    console.error("--password shows in the process list: MYSQL_ROOT_PASSWORD or standard input keep it to you.");
    return flag;
  }
  if (MYSQL_ROOT_PASSWORD !== undefined) return MYSQL_ROOT_PASSWORD;
  if (process.stdin.isTTY) return undefined;
  return (await text(process.stdin)).split(/\r?\n/)[0];
}
