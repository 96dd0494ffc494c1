import * as pulumi from "@pulumi/pulumi";

/**
 * An error about a setting, without a stack trace.
 *
 * Pulumi colours stack traces. With its source maps, Node.js then needs half a minute and runs out of memory
 * (pulumi/pulumi#20567).
 */
export function settingError(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = "";
  return error;
}
