// Drivers and their money.
import { Button, Skeleton, Table, Text } from "@mantine/core";
import type { Driver } from "@shared/api/types";
import { Empty } from "@shared/components/Empty";
import { Plus } from "@shared/components/icons";
import { ProblemAlert } from "@shared/components/ProblemAlert";
import { money } from "@shared/format/money";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { PageTitle } from "../PageTitle";
import { SearchField } from "../points/PointsPage";
import { CreditDialog } from "./CreditDialog";
import { useDrivers } from "./useDrivers";

export function DriversPage() {
  const { t } = useTranslation();
  const { q = "" } = useSearch({ from: "/drivers" });
  const navigate = useNavigate({ from: "/drivers" });
  const drivers = useDrivers(q);
  const [crediting, setCrediting] = useState<Driver | null>(null);
  const items = drivers.data?.items ?? [];
  return (
    <div>
      <PageTitle title={t("menu.drivers")} text={t("drivers.text")}>
        <SearchField
          value={q}
          search={(words) =>
            navigate({ search: (now) => ({ ...now, q: words || undefined }), replace: true })
          }
          label={t("drivers.search")}
        />
      </PageTitle>
      {drivers.error && <ProblemAlert error={drivers.error} retry={() => drivers.refetch()} />}
      {drivers.isPending && <Skeleton h={240} radius="md" />}
      {drivers.data && (
        <div className="sm-card" style={{ overflowX: "auto" }}>
          {items.length === 0 ? (
            <Empty title={t("drivers.noMatch")} />
          ) : (
            <Table verticalSpacing="sm" horizontalSpacing="md" data-testid="drivers-table">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("drivers.name")}</Table.Th>
                  <Table.Th ta="end">{t("money.available")}</Table.Th>
                  <Table.Th ta="end">{t("money.heldNow")}</Table.Th>
                  <Table.Th ta="end">{t("drivers.actions")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((driver) => (
                  <Table.Tr key={driver.id} data-testid={`driver-${driver.id}`}>
                    <Table.Th scope="row" fw={400}>
                      <Text size="sm" fw={600}>
                        {driver.name || driver.email}
                      </Text>
                      {driver.name && (
                        <Text size="xs" c="dimmed">
                          {driver.email}
                        </Text>
                      )}
                    </Table.Th>
                    <Table.Td ta="end" fw={600}>
                      {money(driver.availableMinor, driver.currency)}
                    </Table.Td>
                    <Table.Td ta="end" c={driver.heldMinor ? undefined : "dimmed"}>
                      {money(driver.heldMinor, driver.currency)}
                    </Table.Td>
                    <Table.Td ta="end">
                      <Button
                        size="xs"
                        variant="default"
                        leftSection={<Plus size={13} />}
                        onClick={() => setCrediting(driver)}
                        aria-label={t("drivers.creditOf", { name: driver.name || driver.email })}
                        data-testid={`credit-${driver.id}`}
                      >
                        {t("drivers.credit")}
                      </Button>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </div>
      )}
      <CreditDialog driver={crediting} close={() => setCrediting(null)} />
    </div>
  );
}
