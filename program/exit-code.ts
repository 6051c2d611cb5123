/** How the process ends. */
export const ExitCode = {
  success: 0,
  failure: 1,
  /** The command line, the environment or the configuration file is wrong. */
  usage: 2,
  /** No such thing. */
  notFound: 3,
  /** What it is about does not permit it now. */
  conflict: 5,
  /** Nobody answers, or nobody leads. */
  unavailable: 6,
  /** The file that was given cannot be used (EX_DATAERR of sysexits.h). */
  unusable: 65,
  /** Agents remember more than is stored: a supervisor should not try again. */
  regressed: 69,
  /** A bug (EX_SOFTWARE of sysexits.h). */
  bug: 70,
  /** Refused as insecure (EX_CONFIG of sysexits.h): a supervisor should not try again. */
  insecure: 78,
} as const;
