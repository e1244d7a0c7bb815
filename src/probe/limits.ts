/** How long a probe may take where nobody says otherwise. */
export const PROBE_S = 60
