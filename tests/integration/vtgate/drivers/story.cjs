// What the stories of Node's drivers share.
"use strict";
const assert = require("node:assert/strict");

async function read() {
  let text = "";
  for await (const chunk of process.stdin) text += chunk;
  return JSON.parse(text);
}

async function refused(work, errno) {
  await assert.rejects(work, (error) => error.errno === errno || assert.fail(String(error)));
}

module.exports = { read, refused };
