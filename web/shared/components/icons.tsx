// The few signs that the pages use, drawn for them: a library of thousands would be most of what is installed.
import type { ReactNode, SVGProps } from "react";

export type IconProps = SVGProps<SVGSVGElement> & { size?: number };
export type Icon = (props: IconProps) => ReactNode;

function icon(drawing: ReactNode): Icon {
  return function Sign({ size = 16, ...rest }: IconProps) {
    return (
      <svg
        viewBox="0 0 24 24"
        width={size}
        height={size}
        fill="none"
        stroke="currentColor"
        strokeWidth={2}
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
        focusable="false"
        {...rest}
      >
        {drawing}
      </svg>
    );
  };
}

export const Bolt = icon(<path d="M13 3 5 14h6l-1 7 8-11h-6l1-7Z" />);
export const Check = icon(<path d="m5 12.5 4.5 4.5L19 7.5" />);
export const Cross = icon(<path d="M6 6l12 12M18 6 6 18" />);
export const Alert = icon(<path d="M12 4 2.5 20h19L12 4Zm0 6v4.5m0 3v.01" />);
export const Away = icon(
  <path d="M4 4l16 16M9 5.4A9 9 0 0 1 21 10M3 10a13 13 0 0 1 3-2M6.5 13.8a8 8 0 0 1 4-1.7M12 18v.01" />,
);
export const Other = icon(<path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm-3.5 9h7" />);
export const Plug = icon(<path d="M9 3v5m6-5v5M6.5 8h11v3a5.5 5.5 0 0 1-11 0V8Zm5.5 8.5V21" />);
export const Play = icon(<path d="M8 5.5v13l10.5-6.5L8 5.5Z" fill="currentColor" />);
export const Stop = icon(<rect x="6.5" y="6.5" width="11" height="11" rx="1.5" fill="currentColor" />);
export const Down = icon(<path d="M12 4v15m-6-6 6 6 6-6" />);
export const Up = icon(<path d="M12 20V5m-6 6 6-6 6 6" />);
export const Lines = icon(<path d="M4 6h16M4 12h16M4 18h10" />);
export const Search = icon(<path d="M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm5 11.5L21 21" />);
export const Sun = icon(
  <path d="M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Zm0-5v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4" />,
);
export const Moon = icon(<path d="M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z" />);
export const Person = icon(<path d="M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.5 20.5a7.5 7.5 0 0 1 15 0" />);
export const Leave = icon(<path d="M14 4h5v16h-5M4 12h11m-4-4 4 4-4 4" />);
export const Purse = icon(
  <path d="M4 7h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V7Zm0 0 11-3.5V7M16 13.5h.01" />,
);
export const Clock = icon(<path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 4.5V12l3 2" />);
export const Copy = icon(<path d="M9 9h11v11H9V9ZM5 15H4V4h11v1" />);
export const Plus = icon(<path d="M12 5v14M5 12h14" />);
export const Chevron = icon(<path d="m9 6 6 6-6 6" />);
export const Pin = icon(
  <path d="M12 21s7-6.2 7-11.5a7 7 0 0 0-14 0C5 14.8 12 21 12 21Zm0-14a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z" />,
);
export const Grip = icon(<path d="M10 6v12m4-12v12" />);
