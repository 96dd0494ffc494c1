/** Label of everything that a stack makes in the Docker engine. Its value is the stack's name. */
export const stackLabel = "koa-blog.stack";
