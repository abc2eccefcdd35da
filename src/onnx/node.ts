/**
 * Modules of Node, looked up when they are used. A static import of one makes Node bring up all that it exports, streams
 * among it, which takes longer than loading a small model; and pages, which read no files, have none of them.
 */
export const node = {
  get crypto() {
    return process.getBuiltinModule('node:crypto');
  },
  get files() {
    return process.getBuiltinModule('node:fs');
  },
  get fileCalls() {
    return process.getBuiltinModule('node:fs/promises');
  },
  get path() {
    return process.getBuiltinModule('node:path');
  },
  get url() {
    return process.getBuiltinModule('node:url');
  },
};
