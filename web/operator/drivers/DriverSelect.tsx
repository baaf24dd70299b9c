// Which driver? Found on the server by name or e-mail.
import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { money } from "@shared/format/money";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useDrivers } from "./useDrivers";

export function DriverSelect({
  value,
  onChange,
}: {
  value: string | null;
  onChange: (id: string | null) => void;
}) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const [search] = useDebouncedValue(typed, 200);
  // The chosen one's own label stands in the field; it is no search.
  const drivers = useDrivers(search.includes(" · ") ? "" : search);
  const found = drivers.data?.items ?? [];
  return (
    <Select
      label={t("start.driver")}
      placeholder={t("start.driverSearch")}
      required
      searchable
      value={value}
      onChange={onChange}
      searchValue={typed}
      onSearchChange={setTyped}
      filter={({ options }) => options}
      nothingFoundMessage={drivers.isFetching ? t("loading") : t("drivers.noMatch")}
      data={found.map((one) => ({
        value: one.id,
        label: `${one.name || one.email} · ${money(one.availableMinor, one.currency)}`,
      }))}
      data-testid="start-driver"
    />
  );
}
