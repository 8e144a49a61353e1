/** Pickle at work: a head and a tie. */
export function Cat({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 64 64" aria-hidden="true" className={className}>
      <path className="fill-foreground" d="m27 43 5 3 5-3-2.500 6L39 59l-7 5-7-5 4.500-10Z" />
      <path
        className="fill-primary"
        d="M9.500 2.800c.5-1.600 2.400-2.200 3.700-1.200L24 9.600a31 31 0 0 1 16 0l10.800-8c1.300-1 3.200-.4 3.700 1.200 1.900 6.600 2.300 13 1.400 19.300.8 2 1.100 4.200 1.100 6.400C57 40.500 46 48 32 48S7 40.500 7 28.500c0-2.200.3-4.400 1.100-6.400-.9-6.300-.5-12.700 1.400-19.300Z"
      />
      <g className="fill-background">
        <ellipse cx="22.500" cy="26" rx="3.600" ry="4.400" />
        <ellipse cx="41.500" cy="26" rx="3.600" ry="4.400" />
        <path d="M29.200 33.500h5.600L32 36.800Z" />
      </g>
      <path
        className="fill-none stroke-background"
        strokeWidth="2.200"
        strokeLinecap="round"
        d="M26 39.300c2.400 2 4.900 1.600 6-.8 1.100 2.400 3.600 2.800 6 .8"
      />
    </svg>
  );
}
