/** tug's own version, as `tug version`, `/version` and the user agent say it. Kept equal to package.json by a test. */
export const tugVersion = '0.1.0';
