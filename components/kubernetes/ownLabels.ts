import * as pulumi from "@pulumi/pulumi";

import { stackLabels } from "./stackLabels.ts";

/** Labels of this stack's Docker objects. Pulumi runs the program in the project's folder. */
export const ownLabels = () => stackLabels(pulumi.getStack(), process.cwd());
