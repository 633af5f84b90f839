import { graphql } from 'relay-runtime';

export const customerQuery = graphql`
  query BillingCustomerQuery($id: ID!) {
    customer(id: $id) {
      id
      name
      paymentMethods {
        id
        last4
        isDefault
      }
    }
  }
`;

export const paymentsQuery = graphql`
  query BillingPaymentsQuery($customerId: ID!, $first: Int!, $after: String) {
    customer(id: $customerId) {
      id
      payments(first: $first, after: $after) @connection(key: "Billing_payments") {
        edges {
          node {
            id
            status
          }
        }
      }
    }
  }
`;

export const attachCardMutation = graphql`
  mutation BillingAttachCardMutation($input: PaymentMethodAttachInput!) {
    paymentMethodAttach(input: $input) {
      paymentMethod {
        id
        last4
        isDefault
      }
      replayed
      userErrors {
        code
        field
        message
      }
    }
  }
`;

export const chooseCardMutation = graphql`
  mutation BillingChooseCardMutation($id: ID!) {
    paymentMethodSetDefault(input: { id: $id }) {
      paymentMethod {
        id
        isDefault
      }
      userErrors {
        code
        message
      }
    }
  }
`;
