/** Octavo's version, that of package.json: what a file says of who made it. */
export const octavoVersion = '0.1.0';
