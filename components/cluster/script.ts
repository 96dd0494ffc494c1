/**
 * Command that runs a shell script of this folder. Pulumi runs commands in the project's folder. With `sh`, the file
 * needs no execute permission, and Pulumi's errors show the file's name instead of its text.
 */
export function script(name: string): string {
  return `sh components/cluster/${name}`;
}
