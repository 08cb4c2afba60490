/** The newest Engine API version served, and the oldest one that adapters exist for. */
export const apiVersion = '1.55';
export const minApiVersion = '1.24';
