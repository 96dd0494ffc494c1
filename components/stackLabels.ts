/**
 * Labels of everything that a stack makes in the Docker engine: its name, and the folder of its checkout, since another
 * checkout may have a stack of that name.
 */
export function stackLabels(stack: string, folder: string) {
  return [
    { label: "koa-blog.stack", value: stack },
    { label: "koa-blog.folder", value: folder },
  ];
}
