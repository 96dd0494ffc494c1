import assert from "node:assert/strict";

import { useBlog } from "../blog.ts";

// tests/service/pages.test.ts and tests/security/wire.test.ts test a body that is too large.
describe("A body", () => {
  const suite = useBlog();
  for (const type of ["application/json", "multipart/form-data; boundary=x", "text/plain", "application/xml"]) {
    it(`of the type ${type} is refused with 415`, async () => {
      const reply = await suite.client.request("POST", "/auth/login", { "Content-Type": type }, '{"username":"test"}');
      assert.equal(reply.status, 415);
    });
  }
});
