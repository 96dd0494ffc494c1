/** Labels of a stack's Docker objects. Two checkouts may have stacks of the same name, so the folder is a label too. */
export function stackLabels(stack: string, folder: string) {
  return [
    { label: "koa-blog.stack", value: stack },
    { label: "koa-blog.folder", value: folder },
  ];
}
