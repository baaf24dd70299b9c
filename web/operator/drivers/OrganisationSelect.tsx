// Which organisation pays? An operator's own, unless they work for the whole platform.
import { Select } from "@mantine/core";
import { api, ask } from "@shared/api/client";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

export function OrganisationSelect({
  value,
  onChange,
}: {
  value: string | null;
  onChange: (id: string | null) => void;
}) {
  const { t } = useTranslation();
  const organisations = useQuery({
    queryKey: ["organisations"],
    queryFn: () => ask(api.GET("/api/cms/organisations")),
  });
  const found = organisations.data?.items ?? [];
  return (
    <Select
      label={t("start.organisation")}
      required
      value={value}
      onChange={onChange}
      data={found.map((one) => ({ value: one.id, label: one.name }))}
    />
  );
}
