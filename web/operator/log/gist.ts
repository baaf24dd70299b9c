// What does an OCPP message say, in one line? Pure, and careful: stations send anything.

type Data = Record<string, unknown>;

export function gist(message: string, kind: string, data: unknown): string {
  if (typeof data !== "object" || data === null) return data === null || data === undefined ? "" : text(data);
  if (kind === "answer" || kind === "result") return answer(data as Data);
  if (kind === "error") return joined([text((data as Data).code), text((data as Data).description)]);
  return (GISTS[message] ?? anything)(data as Data);
}

const GISTS: Record<string, (data: Data) => string> = {
  StatusNotification: (data) =>
    joined([`connector ${text(data.connectorId)} → ${text(data.status)}`, unless(data.errorCode, "NoError")]),
  BootNotification: (data) =>
    joined([`${text(data.chargePointVendor)} ${text(data.chargePointModel)}`, text(data.firmwareVersion)]),
  Authorize: (data) => `tag ${shortened(data.idTag)}`,
  StartTransaction: (data) =>
    joined([
      `connector ${text(data.connectorId)}`,
      `tag ${shortened(data.idTag)}`,
      `meter ${text(data.meterStart)} Wh`,
    ]),
  StopTransaction: (data) =>
    joined([
      `transaction ${text(data.transactionId)}`,
      `meter ${text(data.meterStop)} Wh`,
      text(data.reason),
    ]),
  RemoteStartTransaction: (data) =>
    joined([`connector ${text(data.connectorId)}`, `tag ${shortened(data.idTag)}`]),
  RemoteStopTransaction: (data) => `transaction ${text(data.transactionId)}`,
  MeterValues: meterValues,
  Heartbeat: () => "",
  LinkOpened: (data) => joined([text(data.remoteAddress), text(data.subprotocol)]),
  LinkClosed: (data) => joined([text(data.code), text(data.reason)]),
};

function answer(data: Data): string {
  const info = data.idTagInfo as Data | undefined;
  const status = text(data.status) || text(info?.status);
  const transaction = data.transactionId === undefined ? "" : `transaction ${text(data.transactionId)}`;
  return joined([status, transaction]) || anything(data);
}

const UNITS: Record<string, string> = {
  "Energy.Active.Import.Register": "",
  "Power.Active.Import": "",
  SoC: "SoC",
};

function meterValues(data: Data): string {
  const values = Array.isArray(data.meterValue) ? (data.meterValue as Data[]) : [];
  const samples = (values.at(-1)?.sampledValue ?? []) as Data[];
  const told = (Array.isArray(samples) ? samples : [])
    .filter((sample) => !sample.phase && String(sample.measurand ?? "Energy.Active.Import.Register") in UNITS)
    .map((sample) => {
      const name = UNITS[String(sample.measurand ?? "")] ?? "";
      const unit = name === "SoC" ? "%" : text(sample.unit) || "Wh";
      return `${name ? `${name} ` : ""}${text(sample.value)} ${unit}`;
    });
  return joined([`connector ${text(data.connectorId)}`, ...told]);
}

function anything(data: Data): string {
  return joined(
    Object.entries(data)
      .filter(([, value]) => ["string", "number", "boolean"].includes(typeof value))
      .slice(0, 3)
      .map(([key, value]) => `${key} ${text(value)}`),
  );
}

/** Tags open doors: enough to recognise one, not to use it. */
function shortened(tag: unknown): string {
  const whole = text(tag);
  return whole.length > 8 ? `${whole.slice(0, 6)}…` : whole;
}

function unless(value: unknown, dull: string): string {
  return value === dull ? "" : text(value);
}

function text(value: unknown): string {
  if (value === undefined || value === null || typeof value === "object") return "";
  return String(value).slice(0, 60);
}

function joined(parts: string[]): string {
  return parts
    .map((part) => part.trim())
    .filter(Boolean)
    .join(" · ");
}
